"""Orders of users."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the table."""

    dependencies = [("shop", "0001_users")]
    operations = [
        migrations.CreateModel(
            "Order",
            [
                (
                    "id",
                    models.BigAutoField(
                        primary_key=True, auto_created=True, verbose_name="ID", serialize=False
                    ),
                ),
                ("user", models.ForeignKey("shop.User", models.PROTECT)),
            ],
        )
    ]
