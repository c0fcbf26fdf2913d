import Kernels
import SIMDKernels
import Testing

@Suite struct DropoutTests {
  /// The plain form: one number at a time, from one Philox block each.
  private func expected(
    _ values: [Float], columns: Int, timeSteps: Int, sequences: Int, elementsPerStep: UInt32,
    firstUnit: Int, probability: Float
  ) -> [Float] {
    let random = Philox(seed: 5, purpose: .dropout)
    return values.indices.map { index in
      let row = index / columns
      let (t, b, j) = (row / sequences, row % sequences, index % columns)
      let unit = firstUnit + j / 16
      let words = random.block(
        step: 9, stream: UInt32(100 + b), layer: 3,
        element: 0xffff_fff0 &+ UInt32(t) &* elementsPerStep &+ UInt32(8 * (unit / 2))
          &+ UInt32(j % 16 / 2))
      let number = 1 + Float(words[2 * (unit % 2) + j % 2] >> 9) * 0x1p-23
      return number < 1 + probability ? 0 : values[index] * (1 / (1 - probability))
    }
  }

  /// Element counters start near their end, so that they wrap around.
  @Test(
    arguments: InstructionSet.available, [(16, 0), (32, 0), (48, 0), (80, 0), (16, 1), (64, 3)])
  func equalsThePlainForm(set: InstructionSet, size: (columns: Int, firstUnit: Int)) {
    var random = SeededRandom(2)
    for (timeSteps, sequences) in [(0, 1), (1, 1), (3, 5)] {
      for elementsPerStep: UInt32 in [0, 24] {
        let values = random.floats(timeSteps * sequences * size.columns)
        let source = GuardedFloats(values)
        let found = GuardedFloats(values)
        Kernels(set).dropRows(
          DropoutArguments(
            source: source.pointer, sourceStride: size.columns, destination: found.pointer,
            destinationStride: size.columns, timeSteps: timeSteps, sequences: sequences,
            columns: size.columns, key: Philox(seed: 5, purpose: .dropout).key, step: 9, layer: 3,
            firstStream: 100, firstElement: 0xffff_fff0, elementsPerStep: elementsPerStep,
            firstUnit: size.firstUnit, bound: 1.3, scale: 1 / (1 - 0.3)))
        let expected = expected(
          values, columns: size.columns, timeSteps: timeSteps, sequences: sequences,
          elementsPerStep: elementsPerStep, firstUnit: size.firstUnit, probability: 0.3)
        #expect(firstDifference(found.values, expected) == nil)
        #expect(found.guardsAreIntact)
      }
    }
  }
}
