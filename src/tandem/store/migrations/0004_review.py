from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0003_outside"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="gone_installations",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="question",
            name="answered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="question",
            name="named",
            field=models.JSONField(default=list),
        ),
    ]
