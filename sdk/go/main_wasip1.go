package sandgate

// Main is all that a plugin's main function does. In a component it is never called.
func Main() {}
