package sandgate

// What came of a hook run: one of the decisions, or edits, or a fault.
type outcome struct {
	refusal     *Refusal
	replacement *Replacement
	answer      *Answer
	edits       []Edit
	fault       *Fault
}

// One hook run: each registered function that is for this method, in the order of registration. The first that decides
// something ends it; a refusal drops what was changed.
func decide(kind kind, ctx *Context, document *Document) (made outcome) {
	refusals = 0
	var running []*Hook
	defer func() {
		if fault := recovered(recover(), running); fault != nil {
			made = outcome{fault: fault}
		}
	}()
	var hooks []*Hook
	for _, hook := range plugin.hooks {
		if hook.kind == kind {
			hooks = append(hooks, hook)
		}
	}
	if len(hooks) == 0 {
		misuse("plugin.toml has a %s, and the source registers none", kind)
	}
	method := ""
	if len(hooks) > 1 {
		method = ctx.Method()
	}
	for _, hook := range hooks {
		if len(hooks) > 1 && !hook.isFor(method) {
			continue
		}
		running = []*Hook{hook}
		begins(hook)
		decision, err := hook.run(ctx, document)
		if err != nil {
			return outcome{fault: returned(err, hook.entry)}
		}
		refusal, refused := decision.(*Refusal)
		if refusals > 0 && !refused {
			misuse("sandgate.Refuse was called and its value not returned: write `return sandgate.Refuse(…), nil`")
		}
		switch decision := decision.(type) {
		case nil:
			continue
		case *Refusal:
			made.refusal = refusal
		case *Replacement:
			made.replacement = decision
		case *Answer:
			made.answer = decision
		}
		if made.refusal == nil && made.replacement == nil && made.answer == nil {
			misuse("a decision is a nil %T: return nil itself", decision)
		}
		return made
	}
	return outcome{edits: document.Edits()}
}
