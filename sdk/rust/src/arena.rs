//! An allocator for guests that live for one hook run.
#![allow(
    unsafe_code,
    reason = "an allocator hands out raw memory; a component's instance has one thread"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Hands out memory one block after another and takes back only the last: an instance is thrown away after its run, so
/// a free list would only dirty pages. The first `N` bytes are part of the module's initial memory, so that the usual
/// run never asks for more (`memory.grow` costs more than the run itself); after that it grows.
///
/// `N` is no larger than the usual run needs. A page of the initial memory that any run wrote is put back after every later
/// run, too; what a run with a long document grew is out of the way of those after it.
///
/// Not for a guest that frees much in `configure`: what is freed there stays in the snapshot.
#[repr(C, align(16))]
pub struct Arena<const N: usize> {
    first: UnsafeCell<[u8; N]>,
    /// Addresses: the next free byte, and where the room ends; 0 before the first block.
    next: Cell<usize>,
    end: Cell<usize>,
}

/// Makes [`Arena`] the component's allocator, the C library's too, with 128 KiB or the given number of bytes to start
/// with: enough for a policy that reads all of a document of 32 KiB and writes it anew. Once a crate; natively nothing
/// changes.
#[macro_export]
macro_rules! bump_arena {
    () => {
        $crate::bump_arena!(128 << 10);
    };
    ($bytes:expr) => {
        #[cfg(target_family = "wasm")]
        #[global_allocator]
        static ARENA: $crate::Arena<{ $bytes }> = $crate::Arena::new();

        // What the host hands over (random bytes, an environment, a file's content) lies in the arena, and the C library
        // frees it by its own `free`: with an allocator of its own, it would free what it never gave.
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "the C library's names for an allocator")]
        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn malloc(size: usize) -> *mut u8 {
                ARENA.block(size, 16)
            }
            #[unsafe(no_mangle)]
            extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
                ARENA.zeroes(count, size)
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
                unsafe { ARENA.resized(block, size) }
            }
            #[unsafe(no_mangle)]
            extern "C" fn free(_: *mut u8) {}
            #[unsafe(no_mangle)]
            extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
                ARENA.block(size, align)
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn posix_memalign(
                block: *mut *mut u8,
                align: usize,
                size: usize,
            ) -> i32 {
                const OUT_OF_MEMORY: i32 = 48;
                let made = ARENA.block(size, align);
                if made.is_null() {
                    return OUT_OF_MEMORY;
                }
                unsafe { *block = made };
                0
            }
        };
    };
}

// SAFETY: wasm guests of this SDK have one thread; natively the type is only used by tests, one thread each.
unsafe impl<const N: usize> Sync for Arena<N> {}

impl<const N: usize> Arena<N> {
    /// Empty.
    #[allow(clippy::new_without_default, reason = "only ever a static")]
    pub const fn new() -> Self {
        Self {
            first: UnsafeCell::new([0; N]),
            next: Cell::new(0),
            end: Cell::new(0),
        }
    }

    /// Where a block of this layout goes.
    fn place(&self, layout: Layout) -> Option<usize> {
        if self.next.get() == 0 {
            self.next.set(self.first.get() as usize);
            self.end.set(self.next.get() + N);
        }
        let mut start = self.next.get().checked_next_multiple_of(layout.align())?;
        if start.checked_add(layout.size())? > self.end.get() {
            let (room, end) = grow(layout.size().checked_add(layout.align())?)?;
            // Pages that do not follow ours (the first ones; or the C library grew in between): the rest stays unused.
            if room != self.end.get() {
                start = room.checked_next_multiple_of(layout.align())?;
            }
            self.end.set(end);
        }
        self.next.set(start + layout.size());
        Some(start)
    }

    /// For C: a block, or null.
    #[doc(hidden)]
    pub fn block(&self, size: usize, align: usize) -> *mut u8 {
        let layout = Layout::from_size_align(size, align).ok();
        layout
            .and_then(|layout| self.place(layout))
            .map_or(ptr::null_mut(), |start| start as *mut u8)
    }

    /// For C: zeroed. Blocks that were taken back are not zero any more.
    #[doc(hidden)]
    pub fn zeroes(&self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else {
            return ptr::null_mut();
        };
        let block = self.block(size, 16);
        if !block.is_null() {
            // SAFETY: the block is of this size.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    /// For C, which does not say how large a block was: another one, with whatever stood from its start on.
    ///
    /// # Safety
    /// `block` is null or one of the arena's.
    #[doc(hidden)]
    pub unsafe fn resized(&self, block: *mut u8, size: usize) -> *mut u8 {
        // All that the block can have held lies before the next free byte.
        let held = if block.is_null() {
            0
        } else {
            self.next.get() - block as usize
        };
        let moved = self.block(size, 16);
        if !moved.is_null() && held > 0 {
            // SAFETY: what is copied lies in memory that the arena has given out; it may reach into the new block.
            unsafe { ptr::copy(block, moved, size.min(held)) };
        }
        moved
    }

    fn is_last(&self, block: *mut u8, size: usize) -> bool {
        block as usize + size == self.next.get()
    }
}

// SAFETY: blocks lie within the arena or within pages that `grow` gave, do not overlap (`next` only moves back over the
// last block when that one is freed or moved), and are aligned by `place`.
unsafe impl<const N: usize> GlobalAlloc for Arena<N> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.place(layout)
            .map_or(ptr::null_mut(), |start| start as *mut u8)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.is_last(block, layout.size()) {
            self.next.set(block as usize);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let last = self.is_last(block, layout.size());
        if size <= layout.size() || (last && size <= self.end.get() - block as usize) {
            if last {
                self.next.set(block as usize + size);
            }
            return block;
        }
        // SAFETY: the caller's promises for `realloc` are those that `Layout` and the copy need.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}

/// More memory, at least so many bytes: where it begins and ends. A megabyte at a time where the host lets us, so that
/// a long document does not come back for each page.
#[cfg(target_family = "wasm")]
fn grow(bytes: usize) -> Option<(usize, usize)> {
    const PAGE: usize = 64 << 10;
    let needed = bytes.div_ceil(PAGE);
    [needed.max(16), needed].into_iter().find_map(|pages| {
        let before = core::arch::wasm32::memory_grow::<0>(pages);
        (before != usize::MAX).then(|| (before * PAGE, (before + pages) * PAGE))
    })
}

#[cfg(not(target_family = "wasm"))]
fn grow(_: usize) -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let arena = Arena::<256>::new();
        let (a, b) = unsafe { (arena.alloc(layout(3, 1)), arena.alloc(layout(8, 8))) };
        assert_eq!(b as usize % 8, 0);
        assert!(b as usize >= a as usize + 3);
    }

    #[test]
    fn the_last_block_is_taken_back_and_no_other() {
        let arena = Arena::<256>::new();
        unsafe {
            let a = arena.alloc(layout(16, 1));
            let b = arena.alloc(layout(16, 1));
            arena.dealloc(a, layout(16, 1));
            assert_eq!(arena.alloc(layout(16, 1)) as usize, b as usize + 16);
            let c = arena.alloc(layout(16, 1));
            arena.dealloc(c, layout(16, 1));
            assert_eq!(arena.alloc(layout(1, 1)), c);
        }
    }

    #[test]
    fn the_last_block_grows_in_place_and_another_moves_with_its_content() {
        let arena = Arena::<256>::new();
        unsafe {
            let a = arena.alloc(layout(4, 1));
            a.copy_from(b"abcd".as_ptr(), 4);
            assert_eq!(arena.realloc(a, layout(4, 1), 32), a);
            let b = arena.alloc(layout(4, 1));
            let moved = arena.realloc(a, layout(32, 1), 64);
            assert!(moved > b);
            assert_eq!(std::slice::from_raw_parts(moved, 4), b"abcd");
        }
    }

    #[test]
    fn c_gets_blocks_that_it_need_not_know_the_size_of() {
        let arena = Arena::<512>::new();
        unsafe {
            let a = arena.block(5, 16);
            assert_eq!(a as usize % 16, 0);
            a.copy_from(b"abcde".as_ptr(), 5);
            let larger = arena.resized(a, 100);
            assert!(larger as usize >= a as usize + 5);
            assert_eq!(std::slice::from_raw_parts(larger, 5), b"abcde");
            assert_eq!(
                std::slice::from_raw_parts(arena.resized(larger, 2), 2),
                b"ab"
            );
            assert!(!arena.resized(ptr::null_mut(), 8).is_null());
            let last = arena.alloc(layout(32, 1));
            last.write_bytes(0xff, 32);
            arena.dealloc(last, layout(32, 1));
            assert_eq!(std::slice::from_raw_parts(arena.zeroes(4, 4), 16), [0; 16]);
            assert!(arena.zeroes(usize::MAX, 2).is_null());
            assert!(arena.block(1000, 16).is_null());
        }
    }

    #[test]
    fn without_more_memory_an_allocation_fails_and_smaller_ones_go_on() {
        let arena = Arena::<64>::new();
        unsafe {
            assert!(arena.alloc(layout(65, 1)).is_null());
            assert!(!arena.alloc(layout(64, 1)).is_null());
            assert!(arena.alloc(layout(1, 1)).is_null());
        }
    }
}
