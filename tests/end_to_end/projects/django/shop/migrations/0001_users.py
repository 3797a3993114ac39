"""Users."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the table."""

    operations = [
        migrations.CreateModel(
            "User",
            [
                (
                    "id",
                    models.BigAutoField(
                        primary_key=True, auto_created=True, verbose_name="ID", serialize=False
                    ),
                ),
                ("name", models.TextField()),
            ],
        )
    ]
