//! Leaves a note of a megabyte for its post-call.

sandgate_zoo::misbehaves!(|context, _| {
    context.carry(&vec![0; 1 << 20]);
    Ok(sandgate_sdk::PreDecision::Proceed)
});
