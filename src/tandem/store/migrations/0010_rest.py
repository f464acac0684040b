from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0008_oauth")]

    operations = [migrations.AddField("link", "rest_epoch", models.BigIntegerField(default=0))]
