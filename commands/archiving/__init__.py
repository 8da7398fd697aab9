"""Evidence: what the fleet and its logs said at one moment, kept in an archive that tells when it was changed."""
