import Batches
import Datasets
import Foundation
import Tasks
import Testing

/// Numbers of sequences, and numbers and classes of every step, out of files of all forms.
@Suite struct StepTargetTests {
  private func request(
    _ folder: DataFolder, _ task: TaskName = .regression,
    _ readout: TaskShape.Readout = .last
  ) -> SequenceRequest {
    var request = folder.request(task)
    request.task = task.description(readout: readout, loss: task.losses[0])
    return request
  }

  /// Steps of a class that the model lacks do not count where that may be; elsewhere that is wrong.
  @Test func classesOfStepsThatTheModelLacksAreCountedWhereTheyMayBe() throws {
    let folder = try DataFolder("a.csv", "sequence,x,label\n1,1,a\n1,2,b\n2,1,-\n2,3,a")
    var request = request(folder, .classification, .every)
    request.ignoredLabel = "-"
    let frame = try #require(try SequenceData(request).frame)
    let other = try DataFolder(
      "b.csv", "sequence,x,label\n1,1,a\n1,2,z\n2,1,-\n2,3,y\n3,1,b\n3,1,z\n3,1,-")
    request.train = other.path
    request.valid = other.path
    #expect {
      try SequenceData(request, frame: frame)
    } throws: {
      "\($0)".contains("class \"z\" does not occur in the training data")
    }
    request.countsUnknownClasses = true
    let data = try SequenceData(request, frame: frame)
    let unknown = try #require(data.summary.unknownClasses)
    #expect(unknown.words.hasPrefix("3 steps of 2 classes that the model lacks (\"y\", \"z\")"))
    #expect(data.training.targetCount(beforeBatch: data.training.batchCount) == 2)
    // Of the sequences that have something to predict.
    #expect(data.summary.lines.contains { $0.text.hasPrefix("1 training step and 1 validation") })
  }

  @Test func aNumberOfASequenceStandsInAnyOfItsRows() throws {
    let folder = try DataFolder(
      "a.csv",
      """
      sequence,x,target,size
      a,1,,7
      a,2,10,7
      b,3,30,9
      b,4,30,9
      """)
    var request = request(folder)
    request.targetColumns = ["target", "size"]
    request.normalizes = true
    let data = try SequenceData(request)
    let predicted = try #require(data.frame?.predicted)
    #expect(predicted.names == ["target", "size"])
    #expect(predicted.means == [20, 8])
    #expect(predicted.deviations == [10, 1])
    #expect(data.frame?.columns == ["x"])
    #expect((data.features, data.outputs) == (1, 2))
    #expect(data.line("targets").contains("2 numbers of each sequence, normalized: \"target\""))
  }

  @Test(arguments: [
    ("a,1,2\na,1,3\n", "line 3, column \"target\": has 3.0 after 2.0 in the same sequence"),
    ("a,1,\na,1,\n", "line 2, column \"target\": the sequence that begins here has no number"),
    ("a,1,2\nb,1,x\n", "line 3, column \"target\": expected a number to predict, found \"x\""),
  ])
  func faultsOfATableNameTheLine(rows: String, expected: String) throws {
    let folder = try DataFolder("a.csv", "sequence,x,target\n" + rows)
    let complaint = SequenceData.complaint(request(folder))
    #expect(complaint.contains(expected), "\(complaint)")
  }

  @Test func missingNumbersDoNotCount() throws {
    let lines = (0..<6).map { "{\"values\": [1, \($0)], \"target\": [\($0), null]}" }
    let folder = try DataFolder("a.jsonl", lines.joined(separator: "\n"))
    var request = request(folder, .regression, .every)
    request.missing = .forward
    let data = try SequenceData(request)
    #expect(data.training.targetCount(beforeBatch: data.training.batchCount) == 6)
    #expect(data.line("targets").contains("6 missing, which do not count"))
    request.missing = .error
    #expect(SequenceData.complaint(request).contains("line 1: \"target\" has null"))
    // A sequence without any number is left out.
    let other = try DataFolder(
      "a.jsonl", "{\"values\": [1], \"target\": null}\n{\"values\": [1], \"target\": 3}")
    request = self.request(other)
    request.missing = .mask
    #expect(try SequenceData(request).line("remark").contains("are left out: 1"))
  }

  @Test func severalNumbersAreVectorsOrMembers() throws {
    let folder = try DataFolder("a.jsonl", "{\"values\": [1, 2], \"targets\": [[1, 5], [2, 6]]}")
    let data = try SequenceData(request(folder, .regression, .every))
    #expect(data.frame?.predicted?.names == ["targets 1", "targets 2"])
    let other = try DataFolder("a.jsonl", "{\"values\": [1, 2], \"age\": 3, \"size\": [4, 5]}")
    var members = request(other)
    members.targetColumns = ["size", "age"]
    #expect(try SequenceData(members).frame?.predicted?.names == ["size 1", "size 2", "age"])
  }

  @Test func aStepHasALabelOfItsOwn() throws {
    let rows = (0..<20).map { "\($0),\($0 % 3 == 0 ? "none" : $0 % 2 == 0 ? "even" : "odd")\n" }
    let folder = try DataFolder("a.csv", "x,label\n" + rows.joined())
    var request = request(folder, .classification, .every)
    request.sequenceColumn = nil
    request.ignoredLabel = "none"
    request.validFraction = 0.2
    let data = try SequenceData(request)
    #expect(data.frame?.classes == ["even", "odd"])
    // Of the only sequence 16 steps train, in two rows of 8, and 4 validate.
    #expect(data.line("training").contains("2 training sequences of 8 to 8 steps in 2 rows"))
    #expect(data.training.targetCount(beforeBatch: data.training.batchCount) == 10)
    #expect(data.line("remark").contains("its last 4 steps validate"))
    #expect(data.line("remark").contains("longer than batch.window, which is 8: read in parts"))
    #expect(data.line("classes").contains("with steps to train + validate on"))
    // As a file alone is measured: what is said of it counts its sequences once.
    var alone = request
    (alone.valid, alone.validFraction) = (alone.train, 0)
    #expect(
      try SequenceData(alone).line("remark").contains("1 sequence longer than batch.window"))
    request.ignoredLabel = "nobody"
    #expect(SequenceData.complaint(request).contains("no step has the label \"nobody\""))
  }

  @Test func unknownClassesAreNamedByTheirLine() throws {
    let folder = try DataFolder("a.csv", "sequence,x,label\na,1,u\na,2,v\n")
    for (readout, label, line) in [
      (TaskShape.Readout.every, "w", 4), (.last, "w", 3),
    ] {
      var request = request(folder, .classification, readout)
      let training =
        readout == .every
        ? folder : try DataFolder("a.csv", "sequence,x,label\na,1,u\nb,2,v\n")
      request.train = training.path
      let frame = try #require(try SequenceData(request).frame)
      let middle = readout == .every ? "a,2,v\n" : ""
      let other = try DataFolder("b.csv", "sequence,x,label\na,1,u\n\(middle)b,2,\(label)\n")
      request.train = other.path
      let error = #expect(throws: DataFileError.self) { try SequenceData(request, frame: frame) }
      #expect("\(try #require(error))".contains("line \(line): class \"w\" does not occur"))
    }
  }

  @Test func archivesHaveNumbersOfWholeCases() throws {
    let head = "@targetLabel true\n@data\n"
    let folder = try DataFolder("a.ts", head + "1,2:3,4:5.5\n1,2:3,4:?\n2,3:3,4:6.5\n")
    var request = request(folder)
    request.missing = .mean
    request.sequenceColumn = nil
    let data = try SequenceData(request)
    #expect(data.frame?.predicted?.means == [6])
    request = self.request(folder, .classification)
    #expect(SequenceData.complaint(request).contains("that is for task \"regression\""))
    request = self.request(folder, .regression, .every)
    #expect(SequenceData.complaint(request).contains("none of each step"))
  }
}

/// Labels beside an array of NumPy.
@Suite struct NumPyTargetTests {
  /// An array in the format of NumPy: of doubles, or of 32-bit integers.
  private func array(_ shape: [Int], _ numbers: [Double], integers: Bool = false) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    var head = "{'descr': '\(integers ? "<i4" : "<f8")', 'fortran_order': False, "
    head += "'shape': (\(sizes))}"
    head += String(repeating: " ", count: 117 - head.count) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.utf8.count), 0]
    bytes += Array(head.utf8)
    for number in numbers {
      if integers {
        withUnsafeBytes(of: Int32(number).littleEndian) { bytes += Array($0) }
      } else {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += Array($0) }
      }
    }
    return bytes
  }

  private func folder(
    _ name: String, beside other: String, _ shape: [Int], _ numbers: [Double],
    integers: Bool = false
  ) throws -> DataFolder {
    let folder = try DataFolder(name, array([3, 2, 1], [1, 2, 3, 4, 5, 6]))
    try Data(array(shape, numbers, integers: integers))
      .write(to: folder.url.appendingPathComponent(other))
    return folder
  }

  private func data(
    _ folder: DataFolder, _ task: TaskName, _ readout: TaskShape.Readout
  ) throws -> SequenceData {
    var request = folder.request(task)
    request.task = task.description(readout: readout, loss: task.losses[0])
    return try SequenceData(request)
  }

  @Test func labelsOfSequencesAndSteps() throws {
    let one = try folder("X_train.npy", beside: "y_train.npy", [3], [0, 1, 1], integers: true)
    let classes = try data(one, .classification, .last)
    #expect(classes.frame?.classes == ["0", "1"])
    #expect(classes.line("remark").contains("y_train.npy"))
    let each = try folder("a.npy", beside: "a.labels.npy", [3, 2], [0, 1, 2, 0, 1, 2])
    let steps = try data(each, .classification, .every)
    #expect(steps.frame?.classes == ["0", "1", "2"])
    #expect(steps.training.targetCount(beforeBatch: 1) == 6)
    // Other labels are other data.
    let changed = try folder("X_train.npy", beside: "y_train.npy", [3], [0, 0, 1], integers: true)
    #expect(try data(changed, .classification, .last).fingerprint != classes.fingerprint)
  }

  @Test func numbersOfSequencesAndSteps() throws {
    let one = try folder("a.npy", beside: "a.targets.npy", [3], [1, 2, 6])
    #expect(try data(one, .regression, .mean).frame?.predicted?.means == [3])
    let several = try folder("a.npy", beside: "a.targets.npy", [3, 2], [1, 2, 3, 4, 5, 6])
    #expect(try data(several, .regression, .last).outputs == 2)
    #expect(try data(several, .regression, .every).outputs == 1)
    let all = try folder(
      "a.npy", beside: "a.targets.npy", [3, 2, 2], Array(0..<12).map(Double.init))
    #expect(try data(all, .regression, .every).frame?.predicted?.names == ["target 1", "target 2"])
  }

  @Test func otherDimensionsAreRefused() throws {
    let short = try folder("a.npy", beside: "a.labels.npy", [2], [0, 1])
    for readout in [TaskShape.Readout.last, .every] {
      let error = #expect(throws: DataFileError.self) {
        try data(short, .classification, readout)
      }
      #expect("\(try #require(error))".contains("has the dimensions [2], expected ["))
    }
    let bare = try DataFolder("a.npy", array([3, 2, 1], [1, 2, 3, 4, 5, 6]))
    let error = #expect(throws: DataFileError.self) { try data(bare, .classification, .last) }
    #expect("\(try #require(error))".contains("a.labels.npy"))
  }
}
