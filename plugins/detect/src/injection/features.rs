//! The features of a passage: its words, what they do, how it begins and where it stands.

use super::layout::{Layout, Place};
use super::lexicon::Class;
use super::passage::{ACTIONS, FEATURES, Group, Passage, Sink, bit, has};
use super::reader::Reader;

/// The most tokens of a passage; a longer one is read as several.
const LONGEST: usize = 36;

/// Features whose weights are found by index rather than by hash.
const DIRECT: u32 = 8192;

/// What a passage before this one may say about it.
const BEFORE: u64 = bit(Class::Machine)
    | bit(Class::Override)
    | bit(Class::Urgent)
    | bit(Class::Rules)
    | bit(Class::Authority)
    | bit(Class::You)
    | bit(Class::RoleMark)
    | bit(Class::Tag)
    | bit(Class::Person)
    | bit(Class::Task)
    | bit(Class::Following);

/// What is known of the passage that is being read.
pub(super) struct State {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) tokens: usize,
    pub(super) mask: u64,
    pub(super) classes: [u8; LONGEST],
    pub(super) telling: usize,
    pub(super) last_word: u32,
    pub(super) function_words: usize,
    /// Words of the list.
    pub(super) known: usize,
    pub(super) capitals: usize,
    pub(super) exclamations: usize,
    /// Words of one letter.
    pub(super) singles: usize,
    /// Words with digits among their letters.
    pub(super) mixed: usize,
    pub(super) first: u8,
    pub(super) is_question: bool,
    pub(super) place: Place,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            start: 0,
            end: 0,
            tokens: 0,
            mask: 0,
            classes: [0; LONGEST],
            telling: 0,
            last_word: 1,
            function_words: 0,
            known: 0,
            capitals: 0,
            exclamations: 0,
            singles: 0,
            mixed: 0,
            first: 0,
            is_question: false,
            place: Place::Line,
        }
    }
}

impl<S: Sink> Reader<'_, S> {
    /// Takes up a token that begins at `start` and ends here.
    pub(super) fn token(&mut self, start: usize, class: u8, hash: u32) {
        if self.state.tokens >= LONGEST {
            self.finish();
        }
        let state = &mut self.state;
        if state.tokens == 0 {
            state.start = start;
            state.first = class;
            state.place = self.place;
        }
        state.tokens += 1;
        state.end = self.at;
        let word = hash.wrapping_mul(0x9E37_79B1) ^ hash >> 15;
        self.sink.add(Group::Words, hashed(word));
        self.sink.add(
            Group::Words,
            hashed(state.last_word.rotate_left(5).wrapping_mul(0x85EB_CA6B) ^ word),
        );
        state.last_word = word;
        state.known += usize::from(class > 0 && class < Class::Number as u8);
        match class {
            0 => {}
            1 => state.function_words += 1,
            _ => self.telling(class),
        }
    }

    pub(super) fn telling(&mut self, class: u8) {
        let state = &mut self.state;
        if state.telling < LONGEST {
            state.classes[state.telling] = class;
            state.telling += 1;
        }
        state.mask |= 1 << class;
    }

    /// Ends the passage.
    pub(super) fn finish(&mut self) {
        if self.state.tokens == 0 {
            // A mark of a role waits for the words that follow it.
            return;
        }
        let state = std::mem::replace(&mut self.state, State::new());
        if state.telling == 0 && state.tokens < 3 {
            return self.abandon(&state);
        }
        self.classes(&state);
        let is_command = self.form(&state);
        let is_out_of_place = matches!(
            self.layout,
            Layout::Table | Layout::Grid | Layout::Data | Layout::Code
        ) && state.place == Place::Line
            && state.function_words > 1;
        let before = self.before;
        self.before = [state.mask, before[0]];
        self.sink.end(&Passage {
            start: state.start,
            end: state.end,
            mask: state.mask | (before[0] | before[1]) & BEFORE & bit(Class::Machine),
            is_command,
            is_out_of_place,
            is_unreadable: state.tokens > 4 && state.known * 6 < state.tokens,
            is_spaced: state.singles > 5 && state.singles * 2 > state.tokens,
            is_mixed: state.mixed > 2 && state.mixed * 3 > state.tokens,
            tokens: state.tokens,
        });
    }

    fn abandon(&mut self, state: &State) {
        self.sink.end(&Passage {
            start: state.start,
            end: state.end,
            mask: 0,
            is_command: false,
            is_out_of_place: false,
            is_unreadable: false,
            is_spaced: false,
            is_mixed: false,
            tokens: 0,
        });
    }

    fn classes(&mut self, state: &State) {
        let mut last = 0;
        let mut before_last = 0;
        for class in &state.classes[..state.telling] {
            let class = u32::from(*class);
            self.sink.add(Group::Classes, last << 6 | class);
            self.sink.add(
                Group::Classes,
                salted(3, before_last << 12 | last << 6 | class),
            );
            before_last = last;
            last = class;
        }
        let mut rest = state.mask;
        while rest != 0 {
            let one = rest.trailing_zeros();
            rest &= rest - 1;
            let mut others = rest;
            while others != 0 {
                let other = others.trailing_zeros();
                others &= others - 1;
                self.sink.add(Group::Pairs, 4096 | one << 6 | other);
            }
            let mut before = (self.before[0] | self.before[1]) & BEFORE;
            while before != 0 {
                let other = before.trailing_zeros();
                before &= before - 1;
                self.sink.add(Group::Pairs, salted(8, one << 6 | other));
            }
        }
    }

    /// Where the passage stands, and how it begins. Returns whether it begins as a command does.
    fn form(&mut self, state: &State) -> bool {
        let first = 1_u64 << state.first;
        let second = state.classes.get(1).map_or(0, |class| 1_u64 << class);
        let begins_action = first & ACTIONS != 0;
        let is_polite = has(first, Class::Please);
        let is_command =
            begins_action || is_polite || has(first, Class::Sequence) && second & ACTIONS != 0;
        let place = (self.layout as u32) << 3 | state.place as u32;
        let mut flags = [false; 15];
        let mask = state.mask;
        flags[0] = begins_action;
        flags[1] = is_polite && mask & ACTIONS != 0;
        flags[2] = state.is_question;
        flags[3] = has(mask, Class::You);
        flags[4] = has(mask, Class::Machine);
        flags[5] = has(mask, Class::Override);
        flags[6] = has(mask, Class::Send) && (has(mask, Class::Email) || has(mask, Class::Url));
        flags[7] = has(mask, Class::Secret);
        flags[8] = has(mask, Class::Me) && mask & ACTIONS != 0;
        flags[9] = has(mask, Class::Identifier) && mask & ACTIONS != 0;
        flags[10] = state.function_words * 5 > state.tokens;
        flags[11] = has(mask, Class::RoleMark) || has(mask, Class::Tag);
        flags[12] = has(mask, Class::Response) && mask & ACTIONS != 0;
        flags[13] = is_command && state.tokens > 4;
        flags[14] = self.layout == Layout::Grid && state.place == Place::Line && state.tokens > 3;
        for (index, flag) in (0..).zip(flags) {
            if flag {
                self.sink.add(Group::Form, salted(6, place << 4 | index));
                self.sink
                    .add(Group::Form, salted(9, (self.layout as u32) << 4 | index));
                self.sink.add(Group::Form, salted(10, index));
            }
        }
        self.sink
            .add(Group::Form, salted(4, u32::from(state.first)));
        self.sink.add(
            Group::Form,
            salted(5, u32::from(state.first) << 6 | u32::from(state.classes[1])),
        );
        let length = usize::BITS - state.tokens.leading_zeros();
        self.sink
            .add(Group::Form, salted(7, length << 3 | state.place as u32));
        let shouting = (state.capitals.min(4) as u32) << 2 | state.exclamations.min(3) as u32;
        if shouting > 0 {
            self.sink.add(Group::Form, salted(11, shouting));
        }
        is_command
    }
}

/// The feature with this hash.
fn hashed(hash: u32) -> u32 {
    let space = FEATURES as u64 - u64::from(DIRECT);
    DIRECT + ((u64::from(hash.wrapping_mul(0xC2B2_AE35)) * space) >> 32) as u32
}

fn salted(salt: u32, value: u32) -> u32 {
    let mixed = (value.wrapping_add(salt << 24)).wrapping_mul(0x9E37_79B1);
    hashed(mixed ^ mixed >> 16)
}
