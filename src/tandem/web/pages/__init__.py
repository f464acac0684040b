"""One module for each page, with its forms; the template of the same name lies in templates/."""
