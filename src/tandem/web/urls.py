"""Which address is which page."""

from __future__ import annotations

from django.urls import path

from tandem.app.desk import HOME
from tandem.web.pages import choose, contacts, errors, google_contacts, health, history, link, preview, review, start

_SETTINGS = HOME.lstrip("/")

urlpatterns = [
    path("", start.start, name="start"),
    path("sign-out", start.leave, name="sign-out"),
    path("welcome/<str:token>", start.welcome, name="welcome"),
    path("language", start.speak, name="language"),
    path("health", health.health, name="health"),
    path(_SETTINGS, google_contacts.overview, name="settings"),
    path(f"{_SETTINGS}/connect/<str:service>", google_contacts.connect, name="connect"),
    path(f"{_SETTINGS}/token", google_contacts.token, name="token"),
    path(f"{_SETTINGS}/disconnect/<int:number>", google_contacts.disconnect, name="disconnect"),
    path(f"{_SETTINGS}/choose", choose.choose, name="choose"),
    path("links/<int:number>", link.status, name="link"),
    path("links/<int:number>/now", link.now, name="link-now"),
    path("links/<int:number>/do", link.do, name="link-do"),
    path("links/<int:number>/rules", link.rules, name="rules"),
    path("links/<int:number>/group", choose.regroup, name="regroup"),
    path("links/<int:number>/leave", link.leave, name="leave"),
    path("links/<int:number>/preview", preview.preview, name="preview"),
    path("links/<int:number>/save", preview.save, name="save"),
    path("links/<int:number>/review", review.review, name="review"),
    path("links/<int:number>/history", history.history, name="history"),
    path("links/<int:number>/undo", history.undo, name="undo"),
    path("links/<int:number>/contacts", contacts.search, name="contacts"),
    path("links/<int:number>/contacts/<int:pair>", contacts.contact, name="contact"),
]
handler400 = errors.wrong
handler403 = errors.forbidden
handler404 = errors.missing
handler500 = errors.unforeseen
