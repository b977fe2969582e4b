//! Matter of a policy in messages that the policy might not look at.
