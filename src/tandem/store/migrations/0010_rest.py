from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0009_restored")]

    operations = [migrations.AddField("link", "rest_epoch", models.BigIntegerField(default=0))]
