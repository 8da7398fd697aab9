"""Recovery logs in chat: forms prefilled from the record, cards, checklists and reminders."""
