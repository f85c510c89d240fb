"""Makes onnx_backend.json: small cases of the backend tests of onnx 1.23.1, with weights that are inputs there as constants.

Usage: python onnx_backend.py FOLDER   a folder that `Scripts/test-onnx-suite --folder FOLDER` filled; Python needs onnx and numpy
"""

import base64
import json
import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test import cmd_tools

# Cases that are read, and some that are not: those may be one day, and must then compute what is stored.
PASSED = """node/test_averagepool_2d_ceil node/test_averagepool_2d_precomputed_pads_count_include_pad node/test_averagepool_2d_precomputed_same_upper
node/test_averagepool_2d_precomputed_pads node/test_averagepool_2d_precomputed_strides node/test_basic_conv_with_padding
node/test_basic_conv_without_padding node/test_batchnorm_epsilon node/test_batchnorm_example
 node/test_conv_with_autopad_same node/test_conv_with_strides_and_asymmetric_padding
node/test_conv_with_strides_no_padding node/test_conv_with_strides_padding node/test_flatten_axis1 node/test_gather_1
node/test_gemm_alpha node/test_gemm_beta node/test_gemm_default_no_bias
node/test_gemm_default_zero_bias node/test_gemm_default_vector_bias node/test_gemm_transposeB
node/test_globalaveragepool_precomputed node/test_globalmaxpool_precomputed node/test_identity node/test_instancenorm_epsilon
node/test_instancenorm_example node/test_matmul_2d node/test_maxpool_2d_ceil
node/test_maxpool_2d_ceil_output_size_reduce_by_one node/test_maxpool_2d_precomputed_pads node/test_maxpool_2d_precomputed_strides node/test_softmax_large_number
node/test_softmax_example node/test_split_equal_parts_2d node/test_split_variable_parts_2d_opset13 node/test_split_2d_uneven_split_opset18
pytorch-converted/test_AvgPool2d
pytorch-converted/test_BatchNorm2d_eval pytorch-converted/test_Conv2d_no_bias pytorch-converted/test_Conv2d_dilated
pytorch-converted/test_Conv2d_groups pytorch-converted/test_Linear pytorch-converted/test_PReLU_2d 
pytorch-converted/test_Sigmoid pytorch-converted/test_Softmax pytorch-converted/test_Softplus pytorch-converted/test_Tanh
pytorch-converted/test_ZeroPad2d simple/test_single_relu_model""".split()
REFUSED = """node/test_batchnorm_example_training_mode node/test_training_dropout node/test_averagepool_2d_dilations
node/test_maxpool_2d_dilations node/test_maxpool_with_argmax_2d_precomputed_pads node/test_gemm_transposeA node/test_gemm_default_matrix_bias node/test_gemm_default_scalar_bias
node/test_edge_pad node/test_reflect_pad node/test_slice_default_axes node/test_split_zero_size_splits_opset18 node/test_concat_2d_axis_0
node/test_concat_2d_axis_1 pytorch-converted/test_PixelShuffle node/test_if node/test_loop11 node/test_lstm_defaults node/test_cast_DOUBLE_to_FLOAT node/test_adam node/test_sequence_insert_at_back
node/test_optional_get_element_tensor node/test_string_concat simple/test_expand_shape_model1 pytorch-converted/test_Embedding
pytorch-converted/test_AvgPool3d pytorch-operator/test_operator_chunk""".split()
# Bytes of a case in the file.
LIMIT = 6144


def case(folder, isRead):
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    found = {"name": "/".join(folder.parts[-2:]), "isRead": isRead, "shape": [], "input": "", "outputShape": [], "output": ""}
    for index, value in enumerate(inputs):
        if not value.type.HasField("tensor_type"):
            continue
        tensor = onnx.load_tensor(data / f"input_{index}.pb")
        if index > 0:
            tensor.name = value.name
            model.graph.initializer.append(tensor)
        elif tensor.data_type == onnx.TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            found |= {"shape": array.shape, "input": base64.b64encode(array.astype("<f4").tobytes()).decode()}
    if model.graph.output[0].type.HasField("tensor_type"):
        tensor = onnx.load_tensor(data / "output_0.pb")
        if tensor.data_type == onnx.TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            found |= {"outputShape": array.shape, "output": base64.b64encode(array.astype("<f4").tobytes()).decode()}
    return found | {"file": base64.b64encode(model.SerializeToString()).decode()}


def main():
    folders = [pathlib.Path(sys.argv[1]), pathlib.Path(cmd_tools.DATA_DIR)]
    cases = []
    for names, isRead in ((PASSED, True), (REFUSED, False)):
        for name in names:
            folder = next((folder / name for folder in folders if (folder / name / "model.onnx").is_file()), None)
            if folder is None:
                print(f"there is no {name}")
                continue
            found = case(folder, isRead)
            size = len(json.dumps(found))
            if size > LIMIT:
                print(f"{name} has {size} bytes")
            else:
                cases.append(found)
    path = pathlib.Path(__file__).with_name("onnx_backend.json")
    path.write_text("[\n" + ",\n".join(json.dumps(found) for found in cases) + "\n]\n")
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
