// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Registry} from "./Registry.sol";

/// @title Governed: a contract that asks the registry who may do what
abstract contract Governed {
    Registry public immutable registry;

    error Governed_Needs(bytes32 role, address account);
    error Governed_Paused();

    /// @param registry_ where roles, parties and limits are kept
    constructor(Registry registry_) {
        registry = registry_;
    }

    /// @dev Only accounts with this role.
    modifier only(bytes32 role) {
        if (!registry.hasRole(role, msg.sender)) revert Governed_Needs(role, msg.sender);
        _;
    }

    /// @dev Not while the registry is paused.
    modifier running() {
        if (registry.paused()) revert Governed_Paused();
        _;
    }
}
