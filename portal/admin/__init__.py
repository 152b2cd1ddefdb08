"""The administrator's door: members, invitations, roles and MFA policy of an organisation."""
