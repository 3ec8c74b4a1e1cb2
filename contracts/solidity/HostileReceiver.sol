// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";

/// @title For tests: a holder that calls back from inside the transfer that pays it.
contract HostileReceiver is IERC1155Receiver {
    address private _target;
    bytes private _data;
    /// @notice Calls back that were tried, and those of them that succeeded.
    uint256 public tried;
    uint256 public succeeded;

    /// @notice What to call from inside the next hook.
    function aim(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    /// @notice Do anything as this holder.
    function act(address target, bytes calldata data) external {
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") { revert(add(reason, 32), mload(reason)) }
        }
    }

    /// @inheritdoc IERC1155Receiver
    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external returns (bytes4) {
        if (_target != address(0)) {
            ++tried;
            (bool ok,) = _target.call(_data);
            if (ok) ++succeeded;
        }
        return this.onERC1155Received.selector;
    }

    /// @inheritdoc IERC1155Receiver
    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        pure
        returns (bytes4)
    {
        return this.onERC1155BatchReceived.selector;
    }

    /// @notice Takes ERC-1155.
    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }
}
