// The tab of trainings.

export function watch() {}
