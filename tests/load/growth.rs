//! Whether processes grow as time goes by.

use std::fs;

use nix::unistd::Pid;

/// What a process may have more in passing.
const SLACK: Size = Size {
    descriptors: 4,
    memory: 256,
};

/// Some processes, and how large they have been so far.
pub(crate) struct Growth {
    processes: Vec<Pid>,
    samples: Vec<Vec<Size>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    descriptors: usize,
    /// What is resident, in KiB.
    memory: usize,
}

impl Growth {
    pub(crate) fn of(processes: impl IntoIterator<Item = Pid>) -> Self {
        Self {
            processes: processes.into_iter().collect(),
            samples: vec![],
        }
    }

    /// Measures them once more.
    pub(crate) fn sample(&mut self) {
        let sizes = self.processes.iter().map(|&process| Size::of(process));
        self.samples.push(sizes.collect());
    }

    /// Asserts that none of them was larger in the last quarter of the time than in the first.
    pub(crate) fn expect_none(&self) {
        let quarter = self.samples.len() / 4;
        assert!(quarter > 0, "too few samples");
        let (first, last) = (
            &self.samples[..quarter],
            &self.samples[self.samples.len() - quarter..],
        );
        for (index, process) in self.processes.iter().enumerate() {
            let [first, last] = [first, last].map(|samples| Size::largest(samples, index));
            println!("process {process}: {first:?} at first, {last:?} at last");
            assert!(
                last.descriptors <= first.descriptors + SLACK.descriptors,
                "it has more descriptors"
            );
            assert!(
                last.memory <= first.memory + SLACK.memory,
                "it has more memory"
            );
        }
    }
}

impl Size {
    fn of(process: Pid) -> Self {
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("its descriptors");
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|memory| memory.split_whitespace().next());
        Self {
            descriptors: descriptors.count(),
            memory: memory
                .unwrap_or_else(|| panic!("it has ended: {status}"))
                .parse()
                .expect("a number"),
        }
    }

    fn largest(samples: &[Vec<Self>], index: usize) -> Self {
        let sizes = samples.iter().map(|sizes| sizes[index]);
        sizes.fold(Self::default(), |largest, size| Self {
            descriptors: largest.descriptors.max(size.descriptors),
            memory: largest.memory.max(size.memory),
        })
    }
}
