import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]

    operations = [
        migrations.AddField(model_name="link", name="gone_installations", field=models.JSONField(default=list)),
        migrations.AddField(model_name="question", name="named", field=models.JSONField(default=list)),
        migrations.AddField(model_name="question", name="answered_at", field=models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="Apart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("left_id", models.CharField(max_length=200)),
                ("right_id", models.CharField(max_length=200)),
                ("link", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="store.link")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("link", "left_id", "right_id"), name="apart_once")]},
        ),
    ]
