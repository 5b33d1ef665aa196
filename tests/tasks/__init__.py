"""Tasks in Salesforce: the rules read a second time, against random worlds, broken runs and later days."""
