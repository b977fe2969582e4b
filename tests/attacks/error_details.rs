//! What an error tells the asker of the system.
