"""The rules of alerts, all of them pure: what is an alert, is it the same one, and who is told what of it when."""
