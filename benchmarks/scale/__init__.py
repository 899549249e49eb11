"""How driver, shuffle and files grow with files, units, columns, categories and keys."""
