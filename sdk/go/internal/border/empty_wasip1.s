// Lets the package have functions without a body.
