//! The zoo: what becomes of each guest, what it may reach, and that the next one never notices.
//!
//! A module a guest, named as its file is; the tests' names with the module's read as sentences.
#![allow(clippy::unwrap_used)]

mod authority;
mod cache;
mod candidates;
mod configuring;
mod contract;
mod crashes;
mod decisions;
mod egress;
mod files;
mod floods;
mod isolation;
mod masking;
mod runaways;
mod stand;

// No guest is forgotten: each name must be that of a module with its tests.
macro_rules! have_tests {
    ($($guest:ident)*) => {
        mod every_guest_has_tests {
            #![allow(unused_imports)]
            use crate::authority::*;
            use crate::configuring::*;
            use crate::contract::*;
            use crate::crashes::*;
            use crate::decisions::*;
            use crate::egress::*;
            use crate::files::*;
            use crate::floods::*;
            use crate::isolation::*;
            use crate::masking::*;
            use crate::runaways::*;

            $(use self::$guest as _;)*
        }
    };
}
sandgate_guests::for_all_guests!(have_tests);
