//! Proofs that a log has an entry (RFC 9162, 2.1.3.2).

use crate::wire::sha256;

/// The root of a log of `size` entries whose entry at `index` is this one; `None`: the proof does not fit.
pub(crate) fn root(index: u64, size: u64, entry: &[u8], proof: &[Vec<u8>]) -> Option<[u8; 32]> {
    if index >= size {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = sha256(&[&[0], entry].concat());
    for beside in proof {
        if last == 0 || beside.len() != 32 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = sha256(&[&[1], beside.as_slice(), &hash].concat());
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = sha256(&[&[1], &hash[..], beside.as_slice()].concat());
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root and the proof of one entry, by the definition of the tree.
    fn tree(entries: &[Vec<u8>], at: usize) -> ([u8; 32], Vec<Vec<u8>>) {
        if let [one] = entries {
            return (sha256(&[&[0], one.as_slice()].concat()), Vec::new());
        }
        let split = entries.len().next_power_of_two() / 2;
        let (left, right) = entries.split_at(split);
        let ((left, mut proof), (right, other)) = match at < split {
            true => (tree(left, at), tree(right, 0)),
            false => (tree(left, 0), tree(right, at - split)),
        };
        match at < split {
            true => proof.push(right.to_vec()),
            false => {
                proof = other;
                proof.push(left.to_vec());
            }
        }
        (sha256(&[&[1], &left[..], &right].concat()), proof)
    }

    #[test]
    fn each_entry_of_each_tree_is_proved_at_its_own_place_alone() {
        for size in 1..20_u64 {
            let entries: Vec<Vec<u8>> = (0..size).map(|n| n.to_be_bytes().to_vec()).collect();
            for (at, entry) in (0_u64..).zip(&entries) {
                let (expected, proof) = tree(&entries, usize::try_from(at).unwrap_or(0));
                assert_eq!(
                    root(at, size, entry, &proof),
                    Some(expected),
                    "{at} of {size}"
                );
                assert_ne!(root(at, size, b"other", &proof), Some(expected));
                assert_ne!(root(at + 1, size, entry, &proof), Some(expected));
                let longer = [&proof[..], &[vec![0; 32]]].concat();
                assert_ne!(root(at, size, entry, &longer), Some(expected));
                if !proof.is_empty() {
                    assert_ne!(root(at, size, entry, &proof[1..]), Some(expected));
                }
            }
        }
    }
}
