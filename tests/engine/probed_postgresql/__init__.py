"""SQLite for Django with a hook around each commit, so that the tests may look - or die - before and after it."""
