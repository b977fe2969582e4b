//! Headers that say what no interceptor sees.
