"""Shadows know which record they went up in."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("store", "0001_initial")]

    operations = [
        migrations.AddField(model_name="shadow", name="merged_into", field=models.CharField(default="", max_length=200)),
    ]
