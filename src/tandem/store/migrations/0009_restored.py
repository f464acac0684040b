# What a restore leaves behind: links that wait for a look, pairs whose bases are old.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0008_oauth"),
    ]

    operations = [
        migrations.AddField("link", "restored_at", models.DateTimeField(null=True)),
        migrations.AddField("link", "backup_at", models.DateTimeField(null=True)),
        migrations.AddField("link", "relisted_at", models.DateTimeField(null=True)),
        migrations.AddField("link", "is_unseen", models.BooleanField(default=False)),
        migrations.AddField("pair", "is_aged", models.BooleanField(default=False)),
        migrations.AddField("pair", "doubted", models.JSONField(default=list)),
    ]
