"""Who buys what."""

from django.db import models


class User(models.Model):
    """Somebody who buys."""

    name = models.TextField()


class Order(models.Model):
    """What somebody bought."""

    user = models.ForeignKey(User, on_delete=models.PROTECT)
