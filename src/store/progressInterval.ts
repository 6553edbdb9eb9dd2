/** Progress is told at most this often, ms: nobody reads faster, and the page has better things to do. */
export const PROGRESS_INTERVAL = 80;
