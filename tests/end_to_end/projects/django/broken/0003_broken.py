"""A column of a table that does not exist."""

from django.db import migrations


class Migration(migrations.Migration):
    """Fail."""

    dependencies = [("shop", "0002_orders")]
    operations = [migrations.RunSQL("ALTER TABLE customers ADD COLUMN email text")]
