mod demands;
mod outcomes;
mod rig;
mod unstored;
