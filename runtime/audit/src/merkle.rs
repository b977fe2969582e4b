//! A Merkle tree that grows at its end. It keeps the roots of its complete subtrees alone, at most 64 hashes.

use crate::hash::Hash;

/// The tree over all lines so far: RFC 6962, section 2.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the complete subtrees, largest first: one for each bit that is set in `size`.
    peaks: Vec<Hash>,
}

impl Tree {
    /// The tree of this size with these complete subtrees, largest first. `None`: a tree of this size has another
    /// number of them.
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The number of lines.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a line by its hash.
    pub fn push(&mut self, line: Hash) {
        let mut node = line;
        // As many complete subtrees are joined as the size has set bits at its end.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = Hash::of_children(left, node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root: the hash that stands for all lines.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else {
            return Hash::of_nothing();
        };
        peaks.fold(last, |right, left| Hash::of_children(left, right))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The definition of RFC 6962, word for word.
    fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_nothing(),
            [leaf] => *leaf,
            leaves => {
                let half = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(half);
                Hash::of_children(root(left), root(right))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_rfc_at_each_size() {
        let leaves: Vec<Hash> = (0..200_u32)
            .map(|n| Hash::of_line(&n.to_be_bytes()))
            .collect();
        let mut tree = Tree::default();
        assert_eq!(
            tree.root().hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for size in 1..=leaves.len() {
            tree.push(leaves[size - 1]);
            assert_eq!(tree.root(), root(&leaves[..size]), "{size}");
            let again = Tree::of(tree.size(), tree.peaks().to_vec()).unwrap();
            assert_eq!(again, tree);
        }
        assert_eq!(Tree::of(3, vec![leaves[0]]), None);
    }

    /// The test vectors of the RFC's reference implementation, which other implementations use too.
    #[test]
    fn the_root_is_that_of_known_vectors() {
        let mut tree = Tree::default();
        let leaves: [&[u8]; 3] = [b"", &[0x00], &[0x10]];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ];
        for (leaf, root) in leaves.into_iter().zip(roots) {
            tree.push(Hash::of_line(leaf));
            assert_eq!(tree.root().hex(), root);
        }
    }
}
