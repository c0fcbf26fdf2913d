import Batches
import NumericContract
import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// How numbers of files become what a model reads.
@Suite struct InputArithmeticTests {
  /// What a model reads of a file, and the frame that it learns.
  private func read(
    _ file: DataFolder, _ contract: ContractVersion = .two, normalizes: Bool = true
  ) throws -> (values: [Float], frame: TaskFrame) {
    var request = file.request(.forecasting)
    request.contract = contract
    request.normalizes = normalizes
    var table = try DataFile(path: file.path).sequences(request)
    let frame = try TaskFrame(
      of: table, training: [0..<table.starts[1]], request, path: file.path)
    return (try table.taken(by: frame, path: file.path).values.array, frame)
  }

  private func column(_ numbers: some Sequence<String>) throws -> DataFolder {
    try DataFolder("a.csv", "x\n" + numbers.joined(separator: "\n") + "\n")
  }

  @Test func columnsThatNeverChangeAreRemarkedOn() throws {
    func remark(_ numbers: [String]) throws -> String? {
      let file = try column(numbers)
      let table = try DataFile(path: file.path).sequences(file.request(.forecasting))
      return try table.remark(ofConstants: ["x"], in: [0..<numbers.count], path: file.path)
    }
    #expect(try remark(["1", "2", "1"]) == nil)
    #expect(try remark(["5", "5", "5"])?.contains("\"x\" never change") == true)
    #expect(try remark(["5", "5", "5"])?.contains("2^53") == false)
    // Nanoseconds since 1970: two of these are one number of double precision.
    let times = (0..<9).map { "17000000000000000\($0 + 10)" }
    #expect(try remark(times)?.contains("2^53") == true)
  }

  @Test func aSequenceWithoutALabelIsAnError() throws {
    let file = try DataFolder("l.csv", "sequence,label,x\ns1,a,1\ns1,a,2\ns2,,3\ns2,,4\ns3,b,5\n")
    var request = file.request(.classification)
    let table = try DataFile(path: file.path).sequences(request)
    #expect(throws: DataFileError.self) {
      try TaskFrame(of: table, training: [0..<5], request, path: file.path)
    }
    // Version 1 took it for a class.
    request.contract = .one
    let frame = try TaskFrame(of: table, training: [0..<5], request, path: file.path)
    #expect(frame.classes == ["", "a", "b"])
  }

  @Test func anOffsetChangesNothing() throws {
    let sound = (0..<500).map { Double($0 * 7919 % 640) / 64 }
    let plain = try read(column(sound.map { "\($0)" }))
    for offset in [1e8, -3e9, 1e12] {
      let moved = try read(column(sound.map { "\(offset + $0)" }))
      let tolerance = Float(4 * offset.ulp)
      for (a, b) in zip(plain.values, moved.values) { #expect(abs(a - b) <= tolerance + 1e-6) }
      #expect(moved.frame.deviations?[0].isClose(to: plain.frame.deviations?[0] ?? 0) == true)
      #expect(moved.frame.means?[0].isClose(to: offset + (plain.frame.means?[0] ?? 0)) == true)
    }
    // What version 1 made of it.
    let lost = try read(column(sound.map { "\(1e8 + $0)" }), .one)
    #expect(Set(lost.values).count <= 3)
  }

  /// Single precision first, then sums from 0 on, in order.
  @Test func versionOneKeepsItsArithmetic() throws {
    let texts = (0..<300).map { "\(Double($0 * 7919 % 1009) / 7 - 40)" }
    let numbers = texts.map { Double(Float($0) ?? .nan) }
    let mean = numbers.reduce(0, +) / 300
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / 300).squareRoot()
    let (values, frame) = try read(column(texts), .one)
    #expect(frame.means == [mean])
    #expect(frame.deviations == [deviation])
    #expect(values == numbers.map { Float(($0 - mean) / deviation) })
    let raw = try read(column(texts), .one, normalizes: false)
    #expect(raw.values == texts.map { Float($0) })
  }

  @Test func numbersAreRoundedOnce() throws {
    // Halfway between two numbers of single precision, and a little above in double precision.
    let text = "1.00000005960464478"
    let (one, two) = (try column([text, "3"]), try column([text, "2"]))
    #expect(try read(one, .one, normalizes: false).values[0] == Float(text))
    #expect(try read(two, .two).frame.means == [(Double(text) ?? 0) / 2 + 1])
  }

  @Test func aColumnThatDoesNotVaryIsCentred() throws {
    let (values, frame) = try read(column(Array(repeating: "0.1", count: 7)))
    #expect(values.allSatisfy { $0 == 0 })
    #expect(frame.means == [0.1])
    #expect(frame.deviations == [1])
  }

  @Test func variationThatRoundingLosesIsAnError() throws {
    let file = try column((0..<50).map { "\(1e8 + Double($0 % 3))" })
    let error = #expect(throws: DataFileError.self) { try read(file, normalizes: false) }
    let words = "\(try #require(error))"
    #expect(words.contains("column \"x\""), "\(words)")
    #expect(words.contains("set data.normalize to true"), "\(words)")
    #expect(try read(file, .one, normalizes: false).values.count == 50)
    // Equal before as well.
    #expect(throws: Never.self) { try read(column(["1", "1"]), normalizes: false) }
  }

  @Test func manyBlocksAreOneTable() {
    var numbers = NumberBlocks(width: 3, numbersPerBlock: 1 << 12)
    for row in 0..<100_000 {
      let row = [3 * row, 3 * row + 1, 3 * row + 2].map(Double.init)
      numbers.append(row, [0, 1, 2])
    }
    #expect(numbers.rows == 100_000)
    #expect(numbers[70_000, 2] == 210_002)
    var sum = 0.0
    numbers.forEach(in: 10..<99_999, [2, 0]) { place, number in sum += place == 1 ? number : 0 }
    #expect(sum == (10..<99_999).reduce(0.0) { $0 + Double(3 * $1) })
    for (lag, step) in [(1, 1), (7, 3), (1365, 1), (5000, 1999)] {
      var rows: [Int] = []
      unsafe numbers.forEachPair(in: 5000..<60_000, every: step, lag: lag) { row, before in
        let (now, then) = unsafe (row[1], before[1])
        #expect(now - then == Double(3 * lag))
        rows.append(Int(now) / 3)
      }
      #expect(rows == Array(stride(from: 5000, to: 60_000, by: step)))
    }
    var all: [Double] = []
    numbers.removeAll { all += $0 }
    #expect(all == (0..<300_000).map(Double.init))
    #expect(numbers.rows == 0)
  }
}

extension Double {
  fileprivate func isClose(to other: Double) -> Bool { abs(self - other) <= 1e-6 * abs(other) }
}
