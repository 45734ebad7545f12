//! Each planted fault is found, and within a stated number of seeds.
