"""The installation knows which secret key it was made with, and a question may be about a long value."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0006_hints")]

    operations = [
        migrations.AddField(model_name="installation", name="key_print", field=models.CharField(default="", max_length=64)),
        migrations.AlterField(model_name="question", name="part", field=models.TextField(default="")),
    ]
