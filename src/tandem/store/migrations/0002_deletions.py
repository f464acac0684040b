"""Shadows know which record they went up in, and until when they were there."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [("store", "0001_initial")]

    operations = [
        migrations.AddField(model_name="shadow", name="merged_into", field=models.CharField(default="", max_length=200)),
        migrations.AddField(model_name="shadow", name="present_at", field=models.DateTimeField(null=True)),
    ]
