/// Where a worker takes its sequences of a batch from, for those who write them there.
///
/// Shapes: T = time steps, B = sequences of the worker, F = input columns, V = output columns,
/// O = rows that count: T, or the sequences laid end to end in each row.
@safe package struct BatchBuffers {
  /// The worker's sequences among those of the whole batch.
  package var sequences: Range<Int>
  package var window: Int
  /// Tokens that go in, [T, B], of a task that reads tokens.
  package var inputs: UnsafeMutablePointer<Int32>
  /// Real values that go in, [T, B, F], of a task that reads values; rows `inputStride` apart.
  package var inputValues: UnsafeMutablePointer<Float>?
  package var inputStride: Int
  /// Classes to predict, [O, B]; a negative number masks a row.
  package var targets: UnsafeMutablePointer<Int32>
  /// Real values to predict, [O, B, V], of a loss of values; rows `targetStride` apart.
  package var targetValues: UnsafeMutablePointer<Float>?
  package var targetStride: Int
  /// Most sequences that a row holds one after the other, K.
  package var slotCount: Int
  /// First time step of each of these and one past its last, [K, B]; an end of 0 means none.
  package var slotStarts: UnsafeMutablePointer<Int32>
  package var slotEnds: UnsafeMutablePointer<Int32>
  /// Whether every time step is an output row; else every slot is.
  package var isEveryStepRead: Bool
  /// Tokens of each step, of which `inputs` has [T, B, K].
  package var tokensPerStep: Int

  package init(
    sequences: Range<Int>, window: Int, inputs: UnsafeMutablePointer<Int32>,
    inputValues: UnsafeMutablePointer<Float>?, inputStride: Int,
    targets: UnsafeMutablePointer<Int32>, targetValues: UnsafeMutablePointer<Float>?,
    targetStride: Int, slotCount: Int, slotStarts: UnsafeMutablePointer<Int32>,
    slotEnds: UnsafeMutablePointer<Int32>, isEveryStepRead: Bool, tokensPerStep: Int = 1
  ) {
    self.sequences = sequences
    self.window = window
    unsafe self.inputs = unsafe inputs
    unsafe self.inputValues = unsafe inputValues
    self.inputStride = inputStride
    unsafe self.targets = unsafe targets
    unsafe self.targetValues = unsafe targetValues
    self.targetStride = targetStride
    self.slotCount = slotCount
    unsafe self.slotStarts = unsafe slotStarts
    unsafe self.slotEnds = unsafe slotEnds
    self.isEveryStepRead = isEveryStepRead
    self.tokensPerStep = tokensPerStep
  }

  /// B.
  var width: Int { sequences.count }

  /// The input row of a time step and a row of the batch, of a task that reads values.
  @inline(__always) func inputRow(_ t: Int, _ column: Int) -> UnsafeMutablePointer<Float> {
    guard let inputValues = unsafe inputValues else {
      preconditionFailure("the model reads tokens")
    }
    return unsafe inputValues + (t * width + column) * inputStride
  }

  /// The target row of an output row, of a loss of values.
  @inline(__always) func targetRow(_ row: Int) -> UnsafeMutablePointer<Float> {
    guard let targetValues = unsafe targetValues else {
      preconditionFailure("the model predicts classes")
    }
    return unsafe targetValues + row * targetStride
  }

  /// Sets all tokens to the first kind.
  func clearTokens() {
    unsafe inputs.update(repeating: 0, count: window * width * tokensPerStep)
  }

  /// The tokens of a time step and a row of the batch.
  @inline(__always) func tokens(_ t: Int, _ column: Int) -> UnsafeMutablePointer<Int32> {
    unsafe inputs + (t * width + column) * tokensPerStep
  }

  /// Empties all slots, and masks all output rows.
  func clear() {
    unsafe slotStarts.update(repeating: 0, count: slotCount * width)
    unsafe slotEnds.update(repeating: 0, count: slotCount * width)
    unsafe targets.update(repeating: -1, count: (isEveryStepRead ? window : slotCount) * width)
  }
}
