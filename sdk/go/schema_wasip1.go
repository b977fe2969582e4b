package sandgate

// Schemas are derived natively, when a plugin is built.
type schema struct{}

func (d declared[T]) schema() schema { return schema{} }
