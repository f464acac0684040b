from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0007_postgres_print")]

    operations = [migrations.AddField("link", "rest_epoch", models.BigIntegerField(default=0))]
