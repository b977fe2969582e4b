//! Ends the program, and says that all is well.

sandgate_zoo::misbehaves!(|_, _| std::process::exit(0));
