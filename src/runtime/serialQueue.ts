/**
 * Runs tasks one after another in the order they came; one that fails does not stop the next. Two calls into onnxruntime at
 * once hang its thread for good, so all of them go through one queue.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }
}
