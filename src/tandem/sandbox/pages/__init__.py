"""The sandbox's pages for people: a start page, Sandbox Contacts and Sandbox CRM.

Rules: a page shows the world as it is now, whatever lags and faults the services' wires have; what a person does goes through the
services' `human` operations, so that it stands in the human log; nothing here enters the log of requests. No page needs JavaScript.
"""
