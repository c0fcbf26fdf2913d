import GRUCore

extension SequenceWorker {
  /// Writes what the top layer says of a sequence, [D H]: its state after the last step, that of a
  /// direction from the end after the first, or the mean of all, as the output layer reads them.
  ///
  /// - Parameter slot: of [K, B].
  func copyState(ofSlot slot: Int, isMean: Bool, into vector: UnsafeMutablePointer<Float>) {
    let (rows, stride) = unsafe topStates
    let (start, end) = unsafe (Int(slots.starts[slot]), Int(slots.ends[slot]))
    let width = sequences.count
    let hidden = shape.hiddenSize
    func state(_ t: Int) -> UnsafePointer<Float> {
      unsafe rows + (t * width + slot % width) * stride
    }
    guard isMean else {
      for direction in 0..<shape.directionCount {
        let last = unsafe state(direction == 0 ? end - 1 : start) + direction * hidden
        unsafe (vector + direction * hidden).update(from: last, count: hidden)
      }
      return
    }
    unsafe vector.update(repeating: 0, count: shape.featureSize)
    for t in start..<end {
      for j in 0..<shape.featureSize { unsafe vector[j] += state(t)[j] }
    }
    let share = 1 / Float(end - start)
    for j in 0..<shape.featureSize { unsafe vector[j] *= share }
  }
}
