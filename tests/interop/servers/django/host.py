"""django-scim2 as a project of its own would host it: host.py PORT TOKEN DATABASE"""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

# Under this name Django finds its addresses and `Bearer` here.
sys.modules["host"] = sys.modules[__name__]
PORT, TOKEN, DATABASE = sys.argv[1:]

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTH_USER_MODEL="people.Person",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE,
            "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django_scim",
        "people",
    ],
    MIDDLEWARE=["host.Bearer", "django_scim.middleware.SCIMAuthCheckMiddleware"],
    ROOT_URLCONF="host",
    SCIM_SERVICE_PROVIDER={
        "AUTHENTICATION_SCHEMES": [
            {"type": "oauthbearertoken", "name": "token", "description": "a token"}
        ],
        "GROUP_MODEL": "people.models.Team",
        "NETLOC": "127.0.0.1",
        "SCHEME": "http",
        "USER_MODEL_GETTER": "people.person",
    },
    SECRET_KEY="for tests",
    USE_TZ=True,
)


class Somebody:
    def __init__(self, is_known):
        self.is_anonymous = not is_known
        self.is_authenticated = is_known
        self.pk = 1


class Bearer:
    def __init__(self, answer):
        self.answer = answer

    def __call__(self, request):
        given = request.headers.get("Authorization")
        request.user = Somebody(given == f"Bearer {TOKEN}")
        return self.answer(request)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


django.setup()
urlpatterns = [path("scim/v2/", include("django_scim.urls"))]
call_command("migrate", run_syncdb=True, verbosity=0)
make_server(
    "127.0.0.1", int(PORT), get_wsgi_application(), Server, Quiet
).serve_forever()
