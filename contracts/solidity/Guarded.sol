// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Registry} from "./Registry.sol";

/// @title What every contract asks of the registry.
abstract contract Guarded {
    /// @notice Roles, participants, limits and the pause.
    Registry public immutable REGISTRY;

    error NotAllowed(bytes32 role, address account);
    error IsPaused();

    /// @param registry The one registry of all contracts.
    constructor(Registry registry) {
        REGISTRY = registry;
    }

    /// @dev Only an account with the role.
    modifier only(bytes32 role) {
        if (!REGISTRY.hasRole(role, msg.sender)) revert NotAllowed(role, msg.sender);
        _;
    }

    /// @dev Only while nothing is paused.
    modifier running() {
        if (REGISTRY.paused()) revert IsPaused();
        _;
    }
}
