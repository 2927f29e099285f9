mod holes;
mod knowing;
mod rig;
mod simulation;
